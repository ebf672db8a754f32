/** Makes a value when it is first asked for and keeps it; what throws is tried again at the next asking. */
export function lazy<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
