export type Curves = Record<string, { x: number; y: number }[]>

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [720, 400, 80, 50, 20, 150]
const COLOURS = ['#0b7285', '#e8590c', '#5f3dc4', '#2b8a3e']

/** Lines on two logarithmic axes, as SVG that reads on light and dark paper. */
export function plot(curves: Curves, labels: { x: string; y: string }): string {
  const points = Object.values(curves).flat()
  const across = scale(
    points.map(({ x }) => x),
    LEFT,
    WIDTH - RIGHT,
  )
  const up = scale(
    points.map(({ y }) => y),
    HEIGHT - BOTTOM,
    TOP,
  )
  const lines = Object.entries(curves).map(([name, list], at) => {
    const colour = COLOURS[at % COLOURS.length]
    const path = list.map(({ x, y }) => `${across.at(x)},${up.at(y)}`).join(' ')
    const last = list.at(-1) ?? { x: 1, y: 1 }
    return `<polyline fill="none" stroke="${colour}" stroke-width="2.5" points="${path}"/>
<text x="${across.at(last.x) + 8}" y="${up.at(last.y) + 4}" fill="${colour}">${escapeText(name)}</text>`
  })
  const ticksX = across.ticks.map(
    (x) => `<text x="${across.at(x)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${x}</text>`,
  )
  const ticksY = up.ticks.map(
    (y) => `<path d="M${LEFT} ${up.at(y)}H${WIDTH - RIGHT}" stroke="#8884"/>
<text x="${LEFT - 8}" y="${up.at(y) + 4}" text-anchor="end">${y}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#888">
<title>${escapeText(`${labels.y} against ${labels.x}`)}</title>
${[...ticksY, ...ticksX, ...lines].join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeText(labels.x)}</text>
<text transform="translate(16 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle">${escapeText(labels.y)}</text>
</svg>
`
}

/** Logarithmic, with a tick at 1, 2 and 5 of each power of ten that is in sight. */
function scale(values: number[], from: number, to: number) {
  const low = Math.log10(Math.min(...values))
  const high = Math.max(Math.log10(Math.max(...values)), low + 0.1)
  const powers = Array.from({ length: 14 }, (_, at) => 10 ** (at - 4))
  const ticks = powers
    .flatMap((power) => [1, 2, 5].map((times) => Number((times * power).toPrecision(1))))
    .filter((tick) => Math.log10(tick) >= low - 0.01 && Math.log10(tick) <= high + 0.01)
  const at = (value: number) =>
    Math.round(from + ((Math.log10(value) - low) / (high - low)) * (to - from))
  return { at, ticks }
}

const escapeText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
