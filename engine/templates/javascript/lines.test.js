import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lines } from './lines.js';

test('a line each, and nothing for what is not known', () => {
  const records = [
    { vmUuid: 'a', fqan: 'vo.example.org', wallSeconds: 60n },
    { vmUuid: 'b\nc', fqan: 'vo.example.org', wallSeconds: undefined },
  ];
  assert.equal(lines(records, ';'), 'a;vo.example.org;60\nb c;vo.example.org;\n');
  assert.equal(lines([], ';'), '');
});
