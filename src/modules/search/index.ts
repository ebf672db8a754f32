import { Elysia, t } from 'elysia'
import { DEFAULT_LIMIT } from '#src/lib/page.ts'
import type { Auth } from '#src/plugins/auth.ts'
import { strictQuery } from '#src/plugins/query.ts'
import { answers, Cursor, Limit, problems } from '#src/plugins/schemas.ts'
import { SearchHit, SearchPage } from './model.ts'
import type { Search } from './service.ts'

const answer = answers({ SearchHit, SearchPage })

export function createSearchRoutes({ auth, search }: { auth: Auth; search: Search }) {
  return new Elysia({ name: 'search' }).use(auth).get(
    '/v1/search',
    ({ principal, query }) =>
      search.find(principal, {
        text: query.q,
        limit: Number(query.limit ?? DEFAULT_LIMIT),
        cursor: query.cursor,
      }),
    {
      authenticated: true,
      beforeHandle: strictQuery,
      query: t.Object({
        q: t.String({
          minLength: 1,
          maxLength: 500,
          description:
            'Words to find, all of them, at most 16; the last may be a beginning. Words without a space between, such as `a:b`, must follow each other; there may be 8 of them. In Chinese, Japanese, Thai, Lao, Khmer and Burmese text is found within a sentence. Only text: there is no query syntax.',
          error: 'must be 1 to 500 characters',
        }),
        limit: Limit,
        cursor: Cursor,
      }),
      response: { 200: answer.SearchPage, ...problems(400, 401, 422, 429) },
      detail: { tags: ['Search'], summary: 'Search one’s own messages, newest first' },
    },
  )
}
