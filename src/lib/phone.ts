import {
  type CountryCode,
  isSupportedCountry,
  type NumberType,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max'

/** A phone number that can be written to. */
export interface Phone {
  /** E.164: the one form of a number, however it was typed. */
  e164: string
  /** ISO 3166; undefined where the numbering plan is shared and the number does not tell. */
  country: string | undefined
}

/** Numbers that cost their caller extra, or that nobody holds in a hand. */
const REFUSED_TYPES: readonly NumberType[] = ['PREMIUM_RATE', 'SHARED_COST', 'UAN', 'PAGER']

/**
 * Reads a phone number as people type it; undefined where it cannot be one. Length and form are checked,
 * not whether its block was ever assigned: that changes faster than any list that ships with a program.
 * @param defaultCountry ISO 3166; whose national form is understood
 */
export function parsePhone(text: string, defaultCountry?: string): Phone | undefined {
  const country = toCountry(defaultCountry)
  // Full-width digits and signs, as some keyboards give them, are digits and signs.
  const typed = text.normalize('NFKC').trim()
  // 00 is the prefix the ITU recommends; where the default country dials another, it still means `+`.
  const number =
    parse(typed, country) ?? (typed.startsWith('00') ? parse(`+${typed.slice(2)}`) : undefined)
  if (!number || REFUSED_TYPES.includes(number.getType())) return undefined
  return { e164: number.number, country: number.country }
}

/** The two-letter code as the numbering plans know it; undefined where they do not. */
export function toCountry(code: string | undefined): CountryCode | undefined {
  const country = code?.toUpperCase() ?? ''
  return isSupportedCountry(country) ? country : undefined
}

function parse(text: string, defaultCountry?: CountryCode): PhoneNumber | undefined {
  const number = parsePhoneNumberFromString(text, {
    // A number is the whole text, not something found in it.
    extract: false,
    ...(defaultCountry ? { defaultCountry } : {}),
  })
  return number?.isPossible() && number.ext === undefined ? number : undefined
}
