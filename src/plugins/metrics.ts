import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { ALARMS, type Meters } from '#src/lib/meters.ts'
import { SECOND } from '#src/lib/time.ts'

/** Something that is read when somebody scrapes. */
export interface Reading {
  name: string
  help: string
  labels?: string[]
  read(): Measured[] | Promise<Measured[]>
}

interface Measured {
  labels?: Record<string, string>
  value: number
}

export interface Metrics {
  meters: Meters
  watch(reading: Reading): void
  /** The Prometheus text format. */
  text(): Promise<string>
  contentType: string
}

const FAST = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30]
const SLOW = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const BATCH = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

/** Bun answers these calls of Node's with numbers that mean nothing. */
const MEANINGLESS = /^nodejs_(gc_duration|heap_space|active_|version|external_memory|heap_size)/

/** Everything the program tells of itself, kept for Prometheus. docs/operations.md lists the names. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const { name } of registry.getMetricsAsArray()) {
    if (MEANINGLESS.test(name)) registry.removeSingleMetric(name)
  }
  return {
    meters: createPrometheusMeters(registry),
    watch(reading) {
      new Gauge({
        name: reading.name,
        help: reading.help,
        labelNames: reading.labels ?? [],
        registers: [registry],
        async collect() {
          const measured = await reading.read()
          // A kind or tier that is no more must not stay at its last value.
          this.reset()
          for (const { labels = {}, value } of measured) this.set(labels, value)
        },
      })
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function createPrometheusMeters(registry: Registry): Meters {
  const registers = [registry]
  const histogram = (name: string, help: string, buckets: number[], labelNames: string[] = []) =>
    new Histogram({ name, help, buckets, labelNames, registers })
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers })
  const requests = histogram(
    'pollux_http_request_duration_seconds',
    'From the request to its answer; of a stream, to its start',
    FAST,
    ['method', 'route', 'status'],
  )
  const calls = histogram(
    'pollux_provider_call_duration_seconds',
    'Calls of Gemini, Stripe and the SMS gateway by outcome, each try counted',
    SLOW,
    ['provider', 'outcome'],
  )
  const waits = histogram(
    'pollux_job_wait_seconds',
    'From the due time of a job to its claim',
    FAST,
    ['kind'],
  )
  const runs = histogram('pollux_job_duration_seconds', 'Run time of jobs by outcome', SLOW, [
    'kind',
    'outcome',
  ])
  const commits = histogram(
    'pollux_commit_duration_seconds',
    'How long a group commit took of the thread that makes it',
    FAST,
  )
  const batches = histogram('pollux_commit_commands', 'Commands in a group commit', BATCH)
  const tokens = counter('pollux_tokens_total', 'Tokens as the provider counted them', [
    'direction',
  ])
  const otps = counter('pollux_otp_total', 'One-time codes sent, verified, refused', ['event'])
  const deliveries = counter(
    'pollux_stripe_deliveries_total',
    'Deliveries to the webhook of Stripe by outcome',
    ['outcome'],
  )
  const alarms = counter('pollux_alarms_total', 'Faults that an operator must fix', ['alarm'])
  // Of a series that begins with 1, Prometheus sees no increase.
  for (const alarm of ALARMS) alarms.inc({ alarm }, 0)
  const readers = new Gauge({ name: 'pollux_readers', help: 'Open event streams', registers })
  return {
    request: (method, route, status, ms) =>
      requests.observe({ method, route, status }, ms / SECOND),
    providerCall: (provider, outcome, ms) => calls.observe({ provider, outcome }, ms / SECOND),
    tokens(prompt, reply) {
      tokens.inc({ direction: 'prompt' }, prompt)
      tokens.inc({ direction: 'reply' }, reply)
    },
    otp: (event) => otps.inc({ event }),
    // A job claimed by a clock that was set back has waited no time, not less than none.
    jobStarted: (kind, waitMs) => waits.observe({ kind }, Math.max(0, waitMs) / SECOND),
    jobEnded: (kind, outcome, ms) => runs.observe({ kind, outcome }, Math.max(0, ms) / SECOND),
    reader() {
      readers.inc()
      let open = true
      return () => {
        if (open) readers.dec()
        open = false
      }
    },
    delivery: (outcome) => deliveries.inc({ outcome }),
    alarm: (alarm) => alarms.inc({ alarm }),
    committed(commands, ms) {
      commits.observe(ms / SECOND)
      batches.observe(commands)
    },
  }
}
