import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from '#src/lib/page.ts'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { SearchHit } from '#src/modules/search/model.ts'
import { json } from '#test/support/test-app.ts'
import { createTestChat } from '#test/support/test-chat.ts'

/** A message, what finds it, and what must not. */
const TABLE: [text: string, finds: string[], misses: string[]][] = [
  [
    'Ausflug nach Zürich, Straße 5',
    ['zurich', 'STRASSE', 'straße', 'Strasse 5'],
    ['zurück', 'trasse'],
  ],
  [
    'The ﬁnance report in ＡＢＣ format',
    ['finance', 'abc', 'ＡＢＣ', 'ﬁnance rep'],
    ['nance', 'bc'],
  ],
  ['We flew to Đà Nẵng and Łódź', ['da nang', 'Đà Nẵng', 'lodz', 'ŁÓDŹ'], ['ang', 'lod and']],
  ['İstanbul’da ılık bir akşam', ['istanbul', 'ISTANBUL', 'ILIK', 'aksam'], ['stanbul']],
  ['Η ΠΗΝΕΛΌΠΗ και ο Οδυσσεύς', ['Πηνελοπη', 'πηνελόπη', 'ΟΔΥΣΣΕΥΣ', 'οδυσσευς'], ['νελοπη']],
  ['Съешь ещё этих мягких булок', ['еще', 'ЕЩЁ', 'мягк'], ['ягких']],
  ['Їжак живе в Україні', ['їжак', 'україн'], ['жак']],
  ['قال مُحَمَّدٌ السَّلَامُ', ['محمد', 'مُحَمَّد', 'السلام'], ['حمد']],
  ['می‌خواهم به تهران بروم', ['میخواهم', 'می‌خواهم', 'تهران'], ['هران']],
  ['מאחל לך שָׁלוֹם וברכה', ['שלום', 'שָׁלוֹם', 'וברכה'], ['לום']],
  ['ܫܠܳܡܐ ܥܰܠܶܝܟܘܢ', ['ܫܠܡܐ'], ['ܠܡܐ']],
  ['मुझे हिन्दी किताब चाहिए', ['हिन्दी', 'किताब'], ['हन्द', 'कीताब']],
  ['আমি বাংলায় গান গাই', ['বাংলায়', 'গান'], ['গীন']],
  ['ਮੈਂ ਪੰਜਾਬੀ ਬੋਲਦਾ ਹਾਂ', ['ਪੰਜਾਬੀ'], ['ਪੰਜਾਬਿ']],
  ['હું ગુજરાતી બોલું છું', ['ગુજરાતી'], ['ગિજરાતી']],
  ['நான் தமிழ் பேசுகிறேன்', ['தமிழ்', 'பேசு'], ['தமழ']],
  ['నేను తెలుగు మాట్లాడతాను', ['తెలుగు'], ['తెలగు']],
  ['ನಾನು ಕನ್ನಡ ಮಾತನಾಡುತ್ತೇನೆ', ['ಕನ್ನಡ'], ['ಕನಡ']],
  ['ഞാൻ മലയാളം സംസാരിക്കുന്നു', ['മലയാളം'], ['മലയളം']],
  ['මම සිංහල කතා කරනවා', ['සිංහල'], ['සංහල']],
  [
    '我想在周末去北京旅游',
    ['北京', '京', '周末去北京', '北京 旅游', '我想在周末去北京旅游'],
    ['北海', '京北', '上海'],
  ],
  ['東京で豚骨ラーメンを食べたい', ['ラーメン', '東京', 'ﾗｰﾒﾝ', '食べ'], ['ラメン', '京東']],
  ['カラスが鳴く', ['カラス'], ['ガラス']],
  ['iPhone用のケース', ['iphone', 'ケース', 'iPhone用'], ['phone']],
  ['ㄅㄆㄇ 注音', ['ㄆㄇ', '注音'], ['ㄇㄅ']],
  ['ฉันอยากไปเชียงใหม่ในวันหยุด', ['เชียงใหม่', 'วันหยุด', 'อยากไป'], ['เชียงราย', 'ใหมเชียง']],
  ['ຂ້ອຍຢາກໄປວຽງຈັນ', ['ວຽງຈັນ'], ['ຈັນວຽງ']],
  ['ខ្ញុំចង់ទៅភ្នំពេញនៅថ្ងៃអាទិត្យ', ['ភ្នំពេញ'], ['ពេញភ្នំ']],
  ['ကျွန်တော်ရန်ကုန်ကိုသွားချင်တယ်', ['ရန်ကုန်'], ['ကုန်ရန်']],
  ['주말에 서울에서 만나요', ['서울에서', '서울', '주말에 만나'], ['울에서']],
  ['შაბათს თბილისში ვარ', ['თბილისში', 'ᲗᲑᲘᲚᲘᲡᲨᲘ', 'თბილის'], ['ბილის']],
  ['Ես Երևանում եմ', ['երևանում', 'ԵՐԵՒԱՆՈՒՄ'], ['րևան']],
  ['አዲስ አበባ ውብ ናት', ['አበባ', 'አዲስ አበባ'], ['በባ']],
  ['བོད་ཀྱི་སྐད་ཡིག', ['སྐད་ཡིག', 'བོད'], ['ཡིག་སྐད']],
  ['ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ', ['ᏣᎳᎩ', 'ꮳꮃꭹ'], ['ᎳᎩ']],
  ['ދިވެހި ބަސް', ['ދިވެހި'], ['ދވެހި']],
  ['Монгол ᠮᠣᠩᠭᠣᠯ бичиг', ['ᠮᠣᠩᠭᠣᠯ', 'монгол'], ['онгол']],
  ['ꦧꦱꦗꦮ ꦲꦏ꧀ꦱꦫ', ['ꦗꦮ'], ['ꦮꦗ']],
  ['Great 😀 and 👍🏽 from 🇩🇪 👨‍👩‍👧', ['😀', '👍', '👍🏽', '🇩🇪', '👨‍👩‍👧'], ['😁', '🇪🇩', '👎']],
  ['Kept until 31.12.٢٠٢٦', ['2026', '31.12.2026', '٢٠٢٦'], ['12.31']],
  ['see node.js and C++ at a/b/c', ['js', 'node.js', 'c', 'a/b/c', 'a b'], ['js.node', 'b.a']],
]

let chat: Awaited<ReturnType<typeof createTestChat>>
let token = ''
beforeAll(async () => {
  chat = await createTestChat({
    settings: { basicDailyPrompts: 1_000, searchesPerMinute: 1_000 },
    behave: () => ({ kind: 'answer', pieces: ['*'] }),
  })
  token = (await chat.signIn()).token
  const roomId = await chat.openRoom(token)
  for (const [text] of TABLE) await chat.prompt(token, roomId, text)
  for (const [text] of TABLE) {
    await chat.send('POST', '/v1/chatroom', { token, body: { title: text } })
  }
})
afterAll(() => chat.stop())

const queries = TABLE.flatMap(([text, finds, misses]) => [
  ...finds.map((query) => ({ query, text, isFound: true })),
  ...misses.map((query) => ({ query, text, isFound: false })),
])

test('the table has 40 queries and more, in 20 scripts and more', () => {
  const asked = queries.map(({ query }) => query).join()
  const scripts =
    'Latn Grek Cyrl Arab Hebr Syrc Deva Beng Guru Gujr Taml Telu Knda Mlym Sinh Hani Kana Hira Bopo Thai Laoo Khmr Mymr Hang Geor Armn Ethi Tibt Cher Thaa Mong Java'
      .split(' ')
      .filter((script) => new RegExp(`\\p{Script=${script}}`, 'u').test(asked))
  expect(scripts.length).toBeGreaterThanOrEqual(30)
  expect(queries.filter(({ isFound }) => isFound).length).toBeGreaterThan(80)
  expect(queries.filter(({ isFound }) => !isFound).length).toBeGreaterThan(40)
})

test.each(queries)('$query finds $text: $isFound', async ({ query, text, isFound }) => {
  const page = await json<Page<SearchHit>>(
    chat.send('GET', `/v1/search?limit=100&q=${encodeURIComponent(query)}`, { token }),
  )
  const hit = page.items.find(({ snippet }) => snippet === text)
  expect(hit !== undefined).toBe(isFound)
  // Every word that was asked for is shown to be there.
  if (isFound) expect(hit?.highlights.length).toBeGreaterThan(0)
})

test('the filter of the rooms compares titles in the same way', async () => {
  for (const [text, [query = '']] of TABLE) {
    const rooms = await json<Page<Room>>(
      chat.send('GET', `/v1/chatroom?limit=100&q=${encodeURIComponent(query)}`, { token }),
    )
    expect(rooms.items.map(({ title }) => title)).toContain(text)
  }
})
