export const CONTENT =
  'What should I pack for Bergen in November? A rain jacket, above all, and wool.'
