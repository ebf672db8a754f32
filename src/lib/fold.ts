/** Text without case and diacritics, so that 'zurich' finds 'Zürich'. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
}
