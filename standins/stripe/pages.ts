import { ApiError } from './behaviour.ts'
import { type Controlled, controlPage, takeControl } from './control.ts'
import { html, pageOf } from './html.ts'
import { payPage, portalPage, takePayment, takePortal } from './shop.ts'

/** The pages a person clicks: checkout, portal, and the control page at `/`. */
export function createPages(options: Controlled): (request: Request) => Promise<Response> {
  const { state } = options

  async function show(request: Request): Promise<Response> {
    const [, page = '', id = ''] = new URL(request.url).pathname.split('/')
    const posted = request.method === 'POST' ? new URLSearchParams(await request.text()) : undefined
    switch (page) {
      case '':
        if (!posted) return controlPage(options)
        takeControl(options, posted)
        return see('/')
      case 'pay':
        return posted ? see(takePayment(state, id, posted)) : payPage(state, id)
      case 'portal':
        return posted ? see(takePortal(state, id, posted)) : portalPage(state, id)
      default:
        throw new ApiError(404, 'There is no such page.')
    }
  }

  return async (request) => {
    try {
      return await show(request)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const body = html`<div class="card narrow"><h1>Sorry</h1><p>${error.message}</p></div>`
      return pageOf('Sorry', body, error.status)
    }
  }
}

/** After a form the browser goes on with a GET, so that a reload does nothing twice. */
function see(location: string): Response {
  return new Response(null, { status: 303, headers: { location } })
}
