import { expect, test } from 'bun:test'
import { count } from '../../scripts/house/count.ts'
import { crossed, parseLcov } from '../../scripts/house/coverage.ts'

const text = (lines: number) => 'x\n'.repeat(lines)

test('the house counts files, lines, the median and small files by folder, without stand-ins', () => {
  const house = count(
    new Map([
      ['app.ts', text(30)],
      ['queue/claim.ts', text(31)],
      ['queue/job.ts', text(3)],
      ['queue/worker.ts', text(100)],
      ['plugins/page.css', text(500)],
      ['standins/start.ts', text(7)],
    ]),
  )
  expect(house).toEqual({
    files: 4,
    lines: 164,
    medianLines: 30.5,
    small: new Map([
      ['.', 1],
      ['queue', 1],
    ]),
  })
})

test('a request crosses the files of which it runs a line more often', () => {
  const without = 'SF:src/a.ts\nDA:1,1\nDA:2,0\nend_of_record\nSF:src/b.ts\nDA:1,4\nend_of_record\n'
  const withIt =
    'SF:src/a.ts\nDA:1,1\nDA:2,1\nend_of_record\nSF:src/b.ts\nDA:1,4\nend_of_record\nSF:src/c.ts\nDA:9,2\nend_of_record\n'
  expect(crossed(parseLcov(without), parseLcov(withIt))).toEqual(['src/a.ts', 'src/c.ts'])
})

test('the measured requests still get the answers that they are measured by', async () => {
  const child = Bun.spawn([process.execPath, 'test', './scripts/house/scenario.ts'], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = await new Response(child.stderr).text()
  expect(await child.exited, output).toBe(0)
  expect(output).toContain('4 pass')
})
