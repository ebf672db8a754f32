import { describe, expect, test } from 'bun:test'
import { preferredLanguage } from '#src/lib/languages.ts'
import { smsLanguages, smsText } from '#src/modules/sms/texts.ts'
import { createAccountApp } from '#test/support/test-accounts.ts'

test.each([
  ['international freephone', '+80012345678'],
  ['international shared cost', '+80812345678'],
  ['Inmarsat', '+870773123456'],
  ['universal personal', '+878101234567890'],
  ['Globalstar and Iridium', '+881612345678'],
  ['Thuraya-like networks', '+88216123456'],
  ['international networks', '+882991234567'],
  ['international networks', '+88351001234567'],
  ['disaster relief', '+888123456789'],
  ['international premium rate', '+979123456789'],
  ['Ascension', '+24740123'],
  ['premium rate, US', '+19005550123'],
  ['premium rate, DE', '+499001234567'],
  ['premium rate, GB', '+449098790123'],
  ['shared cost, DE', '+4918012345678'],
  ['freephone, US', '+18005550123'],
  ['freephone, GB', '+448001234567'],
  ['personal number, GB', '+447012345678'],
  ['personal number, US', '+15005550123'],
  ['freephone, AR', '+548001234567'],
])('no code is sent to %s numbers (%s), whatever SMS_COUNTRIES says', async (_, phone) => {
  const { post, database } = createAccountApp({ smsCountries: [] })
  for (const path of ['signup', 'send-otp', 'forgot-password']) {
    expect([path, (await post(path, { phone })).status]).toEqual([path, 422])
  }
  expect(database.sqlite.query('SELECT key FROM rate_limits').all()).toEqual([])
})

test.each([
  '+4915112345678',
  '+12025550123',
  '+447400123456',
  '+5491123456789',
  '+525512345678',
  '+919812345678',
  '+43720123456',
])('a person may have %s', async (phone) => {
  const { post } = createAccountApp()
  expect((await post('send-otp', { phone })).status).toBe(202)
})

describe('the text of an SMS', () => {
  /** GSM 03.38, basic character set; the extension table costs two characters each and is not used. */
  const GSM = /^[@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&'()*+,\-./0-9:;<=>?¡A-ZÄÖÑÜ§¿a-zäöñüà]*$/
  const purposes = ['login', 'reset', 'delete'] as const

  test.each(smsLanguages)(
    'in %s begins with the code, says what it is for, and is one SMS',
    (language) => {
      const code = '042137'
      const texts = purposes.map((purpose) =>
        smsText({ code, sender: 'Pollux', purpose, language }),
      )
      expect(new Set(texts).size).toBe(3)
      for (const text of texts) {
        expect(text).toMatch(/^042137.*Pollux/)
        expect(text).not.toMatch(/[{}]/)
        expect([text, text.length]).toEqual([
          text,
          Math.min(text.length, GSM.test(text) ? 160 : 70),
        ])
      }
    },
  )

  test('is English where the language is unknown', () => {
    const text = { code: '042137', sender: 'Pollux', purpose: 'delete' } as const
    expect(smsText({ ...text, language: 'tlh' })).toBe(smsText({ ...text, language: 'en' }))
    expect(smsText({ ...text, language: 'en' })).toContain('DELETE your account')
  })

  test.each([
    [null, 'en'],
    ['', 'en'],
    ['de', 'de'],
    ['de-AT, en;q=0.5', 'de'],
    ['pt-BR,pt;q=0.9,en;q=0.8', 'pt'],
    ['zh-TW', 'zh-tw'],
    ['zh-Hant-HK', 'zh-hant'],
    ['zh-CN', 'zh'],
    ['en;q=0.1, fr;q=0.9', 'fr'],
    ['fr;q=0, de;q=0.1', 'de'],
    ['tlh, sv;q=0.5', 'en'],
    ['*', 'en'],
    [';;;,,q=;q=x', 'en'],
    [`${'x,'.repeat(10_000)}de`, 'en'],
  ])('Accept-Language %p gives %s', (header, language) => {
    expect(preferredLanguage(header, smsLanguages)).toBe(language)
  })
})
