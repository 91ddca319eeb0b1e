import assert from 'node:assert/strict';
import { test } from 'node:test';

import { body } from './lines.js';

test('a batch is JSON, whatever its numbers', () => {
  const records = {
    tag: 'cloud',
    val: [{ vmUuid: 'a "b"', wallSeconds: 60n, memoryMib: 2n ** 64n - 1n, end: undefined }],
  };
  assert.equal(
    body({ id: '1', recordType: 'cloud', records }),
    '{"batch":"1","type":"cloud","records":[{"vmUuid":"a \\"b\\"","wallSeconds":60,"memoryMib":"18446744073709551615"}]}',
  );
});
