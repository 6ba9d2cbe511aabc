/** OpenVEX documents of a project. */
export const vex = {
  title: 'VEX documents',
  about:
    'What you know of vulnerabilities that the advisories do not. It counts at once; nothing is scanned again.',
  add: 'Add document',
  addAbout:
    'Choose a file or paste the text. A document with the same @id takes the place of the earlier. The format:',
  added: '{name} was added',
  file: 'File',
  fileNone: 'Choose a JSON file',
  text: 'OpenVEX document',
  notJson: 'This is no JSON.',
  notVex: 'This is no OpenVEX document: its @context must begin with https://openvex.dev/ns.',
  noId: 'It has no @id, by which documents are told apart.',
  noStatements: 'It has no statements.',
  document: 'Document',
  author: 'Author',
  statements: 'Statements',
  skipped: '{count} cannot be used|{count} cannot be used',
  sentBy: 'Added by',
  status: 'Status',
  statusUnknown: 'No known status',
  products: 'Products',
  why: 'Why',
  find: 'Find a vulnerability or a product',
  more: 'The first {shown} of {count}. Search for the others, or save the document.',
  save: 'Save as JSON',
  delete: 'Delete document',
  deleteAsk:
    'What {name} says counts no longer: findings that it took out of the count keep images back again.',
  none: 'No VEX documents yet',
  noneWhat:
    'A scanner reports each package that advisories call vulnerable, even where your image never uses it. A VEX document says so: not affected, fixed, affected, or being looked into.',
  noneHow:
    'What is not affected or fixed stays in the report, and no longer keeps an image from being pulled.',
  noneNext: 'Write one in the OpenVEX format, or take the one of whoever makes your base image.',
  noneMay: 'An administrator of the project can add them.',
} as const;
