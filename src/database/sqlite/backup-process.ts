/** Another run of this program, from its source or from the binary that holds it. */
export function ownCommand(argv: string[]): string[] {
  // A compiled binary finds its entry in the file system that Bun embeds in it.
  const compiled = Bun.main.startsWith('/$bunfs/')
  return [process.execPath, ...(compiled ? [] : [Bun.main]), ...argv]
}

/**
 * Writes a verified backup by `pollux backup` in a process of its own, so that neither the copying nor the
 * check takes a moment from who is being served.
 * `signal` ends it; the half of a copy that is left has another name, which the next one takes away.
 * @throws what that command complained of
 */
export async function backupInProcess(
  { source, target, signal }: { source: string; target: string; signal?: AbortSignal },
  command = ownCommand(['backup', target]),
): Promise<void> {
  const child = Bun.spawn(command, {
    // Nothing else of our settings, secrets above all, is its concern.
    env: { NODE_ENV: 'production', DATABASE_URL: `file:${source}` },
    ...(signal && { signal }),
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const [complaint, exitCode] = await Promise.all([new Response(child.stderr).text(), child.exited])
  if (exitCode !== 0) throw new Error(`backup failed (${exitCode}): ${complaint.trim()}`)
}
