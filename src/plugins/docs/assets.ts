import favicon from 'swagger-ui-dist/favicon-32x32.png' with { type: 'file' }
import uiCss from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }
import uiScript from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }
import pageCss from './page.css' with { type: 'file' }
import pageScript from './page.js' with { type: 'file' }

interface Asset {
  /** Where the bytes are: in the repository, or inside the compiled binary. */
  file: string
  type: string
}

const CSS = 'text/css; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'

/** Everything the page loads, by its name under /swagger/, so that it works without the internet. */
export const assets: Record<string, Asset> = {
  'page.css': { file: pageCss, type: CSS },
  'page.js': { file: pageScript, type: SCRIPT },
  'swagger-ui.css': { file: uiCss, type: CSS },
  'swagger-ui.js': { file: uiScript, type: SCRIPT },
  'favicon.png': { file: favicon, type: 'image/png' },
}
