// What is sent: the part that can be tested without a sandbox.

// The body of a request: the batch as JSON. Whole numbers that JSON readers would round are
// texts, and what is absent is not there.
export function body({ id, recordType, records }) {
  return JSON.stringify({ batch: id, type: recordType, records: records.val }, (_, value) =>
    typeof value === 'bigint' ? number(value) : value,
  );
}

const number = (value) =>
  value >= -Number.MAX_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
