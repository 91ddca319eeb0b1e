// A messenger for cASO: posts each batch as JSON to a URL, signed, as webhooks are.
//
// `X-Signature-256: sha256=…` is the HMAC-SHA256 of the body by the shared secret. A receiver
// tells a repetition by `Idempotency-Key`, and a record by the `id` in its head.
import { write } from 'caso:accounting/log@1.0.0';

import { hex, hmac } from './hmac.js';
import { body } from './lines.js';

const settings = new Map();
const encoder = new TextEncoder();

const option = (name, tag, help) => ({
  name,
  kind: { tag },
  default: undefined,
  required: true,
  help,
  oldNames: [],
  attributes: [],
});

export const description = {
  describe() {
    return {
      name: 'webhook',
      summary: 'Posts batches as JSON, with a signature',
      version: '0.1.0',
      recordTypes: [],
      options: [
        option('url', 'url', 'Where batches are posted to.'),
        option('secret', 'secret', 'What the receiver checks the signature with.'),
      ],
      capabilities: [
        {
          name: 'hook',
          kind: 'http',
          target: '${url}',
          required: true,
          attributes: [{ name: 'purpose', value: 'the batches' }],
        },
      ],
      packingOption: undefined,
      attributes: [],
    };
  },
};

export const delivery = {
  start(setup) {
    for (const { name, value } of setup.settings) settings.set(name, value.val);
  },

  async deliver(batch) {
    try {
      return await deliver(batch);
    } catch (error) {
      // Without this nobody would learn what it was.
      write('error', `${error}: ${error?.stack ?? ''}`.replace(/\n/g, ' | '));
      throw error;
    }
  },
};

async function deliver(batch) {
  const count = batch.records.val.length;
  if (count === 0) return answer(0, { tag: 'done' });
  const bytes = encoder.encode(body(batch));
  const signature = hex(hmac(encoder.encode(settings.get('secret')), bytes));
  let response;
  try {
    response = await fetch(settings.get('url'), {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': batch.id,
        'X-Signature-256': `sha256=${signature}`,
      },
      body: bytes,
    });
  } catch (error) {
    return answer(0, retry(`the receiver cannot be reached: ${error}`));
  }
  return answered(response.status, count);
}

// By the status alone: what a receiver answers besides is its own.
function answered(status, count) {
  if (status >= 200 && status < 300) return answer(count, { tag: 'done' });
  if (status === 413) return answer(0, { tag: 'too-large' });
  if (status === 429 || status >= 500) return answer(0, retry(`the receiver answers ${status}`));
  return answer(0, { tag: 'misconfigured', val: `the receiver answers ${status}` });
}

function retry(reason) {
  return { tag: 'retry', val: { afterSeconds: 60, reason, attributes: [] } };
}

function answer(accepted, rest) {
  return { accepted, refused: [], rest, attributes: [] };
}
