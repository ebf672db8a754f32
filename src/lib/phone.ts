import {
  type CountryCode,
  isSupportedCountry,
  type NumberType,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max'
import { toAsciiDigits } from './typed-code.ts'

/** A phone number that can be written to. */
export interface Phone {
  /** E.164: the one form of a number, however it was typed. */
  e164: string
  /** ISO 3166; undefined where the numbering plan is shared and the number does not tell. */
  country: string | undefined
}

/**
 * Numbers that cost their caller extra, or that no person holds in a hand. Fixed lines and VoIP numbers are not among
 * them: many receive SMS.
 */
const REFUSED_TYPES: readonly NumberType[] = [
  'PAGER',
  'PERSONAL_NUMBER',
  'PREMIUM_RATE',
  'SHARED_COST',
  'TOLL_FREE',
  'UAN',
  'VOICEMAIL',
]

/**
 * Calling codes of no country (ITU-T E.164, annex): freephone, shared cost, satellite networks, universal personal
 * numbers, international networks, premium rate; and Ascension (247), a known destination of SMS fraud.
 */
const REFUSED_CODES = /^\+(?:247|800|808|87\d|88[1-389]|979|99[19])/

/** Marks that a copied number brings along: zero-width characters, directional marks, variation selectors. */
const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu

/**
 * Reads a phone number as people type or paste it; undefined where it cannot be one, or is one that no code is sent
 * to. Length and form are checked, not whether its block was ever assigned: that changes faster than any list that
 * ships with a program.
 * @param defaultCountry ISO 3166; whose national form is understood
 */
export function parsePhone(text: string, defaultCountry?: string): Phone | undefined {
  const country = toCountry(defaultCountry)
  const typed = plain(text)
  // 00 is the prefix the ITU recommends; where the default country dials another, it still means `+`.
  const number =
    parse(typed, country) ?? (typed.startsWith('00') ? parse(`+${typed.slice(2)}`) : undefined)
  if (!number || REFUSED_TYPES.includes(number.getType()) || REFUSED_CODES.test(number.number)) {
    return undefined
  }
  return { e164: number.number, country: number.country }
}

/** The same number in ASCII: without invisible marks, without `tel:` (RFC 3966), and `(+44)` as `+44`. */
function plain(text: string): string {
  // Full-width digits and signs, as some keyboards give them, are digits and signs.
  const visible = toAsciiDigits(text.normalize('NFKC').replaceAll(INVISIBLE, '')).trim()
  const [number = '', ...parameters] = visible.replace(/^tel:\s*/i, '').split(';')
  const context = parameters.find((parameter) => parameter.startsWith('phone-context=+'))?.slice(14)
  const isExtended = parameters.some((parameter) => /^(?:ext|isub)=/i.test(parameter))
  // An extension names a person behind a switchboard, who gets no SMS: it stays, and is refused.
  if (isExtended) return visible
  const international = number.replace(/^\(\s*(\+|00)\s*(\d{1,4})\s*\)/, '$1$2 ')
  return context === undefined ? international : `${context} ${international}`
}

/** The two-letter code as the numbering plans know it; undefined where they do not. */
export function toCountry(code: string | undefined): CountryCode | undefined {
  const country = code?.toUpperCase() ?? ''
  return isSupportedCountry(country) ? country : undefined
}

function parse(text: string, defaultCountry?: CountryCode): PhoneNumber | undefined {
  const parsed = parseWhole(text, defaultCountry)
  const spelling = parsed && oneSpelling(parsed)
  const number = spelling === parsed?.number ? parsed : parseWhole(spelling ?? '')
  return number?.isPossible() && number.ext === undefined ? number : undefined
}

function parseWhole(text: string, defaultCountry?: CountryCode): PhoneNumber | undefined {
  return parsePhoneNumberFromString(text, {
    // A number is the whole text, not something found in it.
    extract: false,
    ...(defaultCountry ? { defaultCountry } : {}),
  })
}

/**
 * Some countries dial their mobiles with digits that are not part of the number, or had shorter ones, and people write
 * them both ways. Mexico dropped its 1 (044, 045, 01) in 2019. Argentina's 9 is needed to reach a mobile from abroad;
 * codes go to mobiles, so it is always added. Brazil put a 9 before every mobile by 2016. The migrations
 * `challenge-handle` and `ninth-digit` write stored numbers so too.
 */
function oneSpelling(parsed: PhoneNumber): string {
  const spelling = parsed.number
    .replace(/^\+52(?:1|01|04[45])(\d{10})$/, '+52$1')
    .replace(/^\+54([123]\d{9})$/, '+549$1')
    .replace(/^\+55(?<area>\d\d)(?<old>[6-9]\d{7})$/, '+55$<area>9$<old>')
  return spelling === parsed.number && !parsed.isValid() ? withoutTrunkPrefix(parsed) : spelling
}

/** The 0 that is dialled within a country, where the parser left it in: gateways drop it, so it makes no other number. */
function withoutTrunkPrefix({ countryCallingCode, nationalNumber, number }: PhoneNumber): string {
  const parsed = parseWhole(`+${countryCallingCode}${nationalNumber.replace(/^0+/, '')}`)
  return parsed?.isValid() ? parsed.number : number
}
