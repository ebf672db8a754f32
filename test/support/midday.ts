/**
 * A time zone in which it is about noon now: for servers on the real clock, so that no test meets the
 * midnight at which quotas begin anew.
 */
export function middayZone(now: Date = new Date()): string {
  const ahead = 12 - now.getUTCHours()
  // POSIX signs: Etc/GMT-5 is five hours ahead of UTC.
  return ahead >= 0 ? `Etc/GMT-${ahead}` : `Etc/GMT+${-ahead}`
}
