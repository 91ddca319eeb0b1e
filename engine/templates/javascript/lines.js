// What is written: the part that can be tested without a sandbox.

// A line for each VM: its id, its VO and for how long it has run, in seconds. What is not
// known stays empty: absent is not zero.
export function lines(records, separator) {
  return records.map((record) => line(record, separator)).join('');
}

function line(record, separator) {
  const fields = [record.vmUuid, record.fqan, record.wallSeconds ?? ''];
  return fields.map((field) => oneLine(String(field))).join(separator) + '\n';
}

// A text may hold anything, ends of lines too.
function oneLine(text) {
  return text.replace(/[\r\n]/g, ' ');
}
