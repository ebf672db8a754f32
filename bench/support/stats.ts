/** Nearest-rank percentile; `share` between 0 and 1. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

export const median = (values: readonly number[]) => percentile(values, 0.5)

/** The spread of repeated runs as a share of their median: how far a ratio of them can be believed. */
export function noise(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values)
}

export interface Spread {
  count: number
  p50: number
  p99: number
  max: number
}

export function spread(values: readonly number[]): Spread {
  return {
    count: values.length,
    p50: round(percentile(values, 0.5)),
    p99: round(percentile(values, 0.99)),
    max: round(Math.max(...values)),
  }
}

export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}
