const PHONE = '+12025550123'

/** What a person who started the server for the first time wants to know: where things are, and how to chat. */
export function welcome(url: string, standIns: Record<string, string | undefined>): string {
  const places = Object.entries({ API: url, 'Swagger UI': `${url}/swagger`, ...standIns })
  const lines = places.flatMap(([name, at]) =>
    at === undefined ? [] : [`  ${name.padEnd(18)}${at}`],
  )
  return `
Pollux is running.

${lines.join('\n')}

Paste these three to sign up, log in and chat:

${firstCommands(url).join('\n\n')}
`
}

/** For any POSIX shell with curl and sed; each leaves what the next needs in a variable. */
export function firstCommands(url: string): string[] {
  const phone = `--data-urlencode phone=${PHONE}`
  const bearer = '-H "Authorization: Bearer $TOKEN"'
  return [
    `curl -s ${url}/v1/auth/signup ${phone}; echo`,
    `OTP=$(curl -s ${url}/v1/auth/send-otp ${phone} | sed 's/.*"otp":"\\([0-9]*\\)".*/\\1/'); ` +
      `TOKEN=$(curl -s ${url}/v1/auth/verify-otp ${phone} -d otp="$OTP" | sed 's/.*"token":"\\([^"]*\\)".*/\\1/'); ` +
      `echo "$TOKEN"`,
    `ROOM=$(curl -s -X POST ${url}/v1/chatroom ${bearer} | sed 's/^{"id":"\\([^"]*\\)".*/\\1/'); ` +
      `REPLY=$(curl -s -D - -o /dev/null ${url}/v1/chatroom/$ROOM/message ${bearer} ` +
      `--data-urlencode userPrompt='What is 6 * 7?' | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p'); ` +
      `curl -s "${url}$REPLY?wait=25" ${bearer}; echo`,
  ]
}
