/** Something wrong, and how to fix it. An error keeps the server from doing its work or endangers it. */
export interface Finding {
  level: 'error' | 'warning'
  /** One word of docs/operations.md's list. */
  check: string
  what: string
  fix: string
}

export function error(check: string, what: string, fix: string): Finding {
  return { level: 'error', check, what, fix }
}

export function warning(check: string, what: string, fix: string): Finding {
  return { level: 'warning', check, what, fix }
}

/** Of the rules given as `condition && finding`, those that hold. */
export function found(...rules: (Finding | false | undefined)[]): Finding[] {
  return rules.filter((rule): rule is Finding => typeof rule === 'object')
}
