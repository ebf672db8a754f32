/** A parameter as the API reads it: text, or what `a[b][0]=…` nests. */
export type Params = { [name: string]: string | Params }

/** Reads `line_items[0][price]=x` as the API does; numbers in brackets stay names. */
export function parseForm(text: string): Params {
  const params: Params = {}
  for (const [path, value] of new URLSearchParams(text)) {
    const names = path.replaceAll(']', '').split('[')
    const last = names.pop() ?? ''
    let here = params
    for (const name of names) {
      const next = here[name]
      const nested = typeof next === 'object' ? next : {}
      here[name] = nested
      here = nested
    }
    here[last] = value
  }
  return params
}

export function textOf(params: Params, name: string): string | undefined {
  const value = params[name]
  return typeof value === 'string' ? value : undefined
}

export function nestedOf(params: Params, name: string): Params {
  const value = params[name]
  return typeof value === 'object' ? value : {}
}

/** A flat object of text, such as metadata. */
export function textsOf(params: Params, name: string): Record<string, string> {
  const entries = Object.entries(nestedOf(params, name))
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
}
