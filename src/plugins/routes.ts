interface Route {
  method: string
  path: string
}

/** Which methods each path answers; `routes` is asked each time. Asked only where no route matched. */
export function createMethodsOf(routes: () => readonly Route[]): (path: string) => string[] {
  return (path) => {
    const methods = routes()
      .filter((route) => matches(route.path, path))
      .map(({ method }) => method.toUpperCase())
    return [...new Set(methods)].sort()
  }
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (pattern.endsWith('/*')) return path.startsWith(pattern.slice(0, -1))
  return (
    wanted.length === given.length &&
    wanted.every((segment, at) =>
      segment.startsWith(':') ? given[at] !== '' : segment === given[at],
    )
  )
}
