import { notFound, type Problem, problem } from '#src/lib/problem.ts'

interface Route {
  method: string
  path: string
}

/** The methods a path answers; empty where the path is unknown. */
export type MethodsOf = (path: string) => string[]

/** Which methods each path answers; `routes` is asked each time. Asked only where no route matched. */
export function createMethodsOf(routes: () => readonly Route[]): MethodsOf {
  return (path) => {
    const methods = routes()
      .filter((route) => matches(route.path, path))
      .map(({ method }) => method.toUpperCase())
    // Elysia answers HEAD as the GET without its body.
    return [...new Set(methods.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])))].sort()
  }
}

/** 405 where the path answers other methods, 404 otherwise. */
export function noRoute(request: Request, methodsOf: MethodsOf): Problem {
  const methods = methodsOf(new URL(request.url).pathname)
  // That it answers this very method was not found out from this spelling.
  if (methods.length === 0 || methods.includes(request.method)) return notFound()
  return problem('method-not-allowed', {
    detail: `Allowed here: ${methods.join(', ')}.`,
    headers: { allow: methods.join(', ') },
  })
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
