/** Those of development's stand-ins, and the example of https://www.standardwebhooks.com. */
const PUBLISHED = new Set([
  'stand-in',
  'sk_test_stand_in',
  'whsec_stand_in',
  'c3RhbmQtaW4tc3RhbmQtaW4tc2VjcmV0',
  'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
])

const LEAST_DIFFERENT_CHARACTERS = 10
const LEAST_UNCOMMON_CHARACTERS = 16
/** What placeholders and examples are made of, those of jwt.io and of tutorials too. */
const COMMON_WORDS = new Set(
  `a an the this is my your our some any to of for in at and or with no not it be i am do please must should
  secret secrets secretkey key keys token tokens jwt signing sign hmac sha hs bit bits byte bytes
  long longer least string random text value character characters char chars minimum more than
  change changeme changed changethis replace replaceme fill filled set insert enter put here use make new
  example examples sample demo test tests testing dev develop development local staging prod production default
  placeholder dummy foo bar baz super very insecure unsafe secure password passwd pass letmein qwerty admin root
  user app api auth server backend pollux castor chat gemini thirty two lorem ipsum hello world abc xyz
  abcdefghijklmnopqrstuvwxyz 0123456789abcdef 0123456789abcdefghijklmnopqrstuvwxyz`.split(/\s+/),
)

/**
 * Why a signing secret can be guessed, as a clause after its name; undefined where nothing speaks against it. Repeated
 * and common words add nothing that a guesser does not try, so only what is left of the text beside them counts.
 */
export function whyGuessable(secret: string): string | undefined {
  if (new Set(secret).size < LEAST_DIFFERENT_CHARACTERS) {
    return `has fewer than ${LEAST_DIFFERENT_CHARACTERS} different characters`
  }
  if (periodOf(secret) < LEAST_UNCOMMON_CHARACTERS) return 'repeats a short text'
  const words = secret.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const uncommon = [...new Set(words)].filter((word) => !isCommon(word)).join('').length
  // A generated secret may consist of punctuation; between words it only separates.
  const punctuation = secret.length - words.join('').length - Math.max(0, words.length - 1)
  return uncommon + Math.max(0, punctuation) < LEAST_UNCOMMON_CHARACTERS
    ? 'consists of published, common or repeated words'
    : undefined
}

function isCommon(word: string): boolean {
  const letters = word.replace(/\d+$/, '')
  return COMMON_WORDS.has(word) || COMMON_WORDS.has(letters) || (letters === '' && word.length < 16)
}

/** After how many characters the text begins again, up to its end. */
function periodOf(text: string): number {
  for (let period = 1; period < text.length; period++) {
    if (text.startsWith(text.slice(period))) return period
  }
  return text.length
}

/** Whether a secret can be read in a public place. */
export function isPublished(secret: string): boolean {
  return PUBLISHED.has(secret)
}
