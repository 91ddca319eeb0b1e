// A messenger for cASO: puts what it is told of VMs into a queue, a line each.
//
// `wit/` has the contract, with every item documented. `describe` says what this component
// is and wants, `start` takes the site's options, `deliver` gets the records.
//
// Whole numbers of 64 bits are bigint here (JSON.stringify does not take them), and what is
// absent is undefined.
import { put } from 'caso:accounting/queue@1.0.0';
import { write } from 'caso:accounting/log@1.0.0';

import { lines } from './lines.js';

const settings = new Map();

const option = (name, tag, standard, help) => ({
  name,
  kind: { tag },
  default: standard,
  required: standard === undefined,
  help,
  oldNames: [],
  attributes: [],
});

export const description = {
  describe() {
    return {
      name: '@NAME@',
      summary: 'VMs, a line each',
      version: '0.1.0',
      recordTypes: ['cloud'],
      options: [
        option('output_path', 'path', undefined, 'Queue for the messages.'),
        option('separator', 'text', ';', 'Between the fields of a line.'),
      ],
      capabilities: [
        {
          name: 'outgoing',
          kind: 'queue',
          target: '${output_path}',
          required: true,
          attributes: [{ name: 'purpose', value: 'the messages' }],
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
    if (!settings.get('separator')) {
      // cASO prints it with the file and line that set the option.
      throw {
        tag: 'wrong-option',
        val: { name: 'separator', reason: 'must not be empty', attributes: [] },
      };
    }
  },

  // `await` also of what does not need it: an error of a promise, as of `fetch`, is caught here
  // with it, and nowhere without.
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

function deliver({ records }) {
  if (records.tag !== 'cloud') return answer(0, { tag: 'other', val: 'only cloud records are taken' });
  if (records.val.length === 0) return answer(0, { tag: 'done' });
  const message = new TextEncoder().encode(lines(records.val, settings.get('separator')));
  try {
    // It appears in the queue when this call has returned a valid answer.
    put('outgoing', message);
  } catch (error) {
    return answer(0, restOf(error));
  }
  write('debug', `${records.val.length} VMs`);
  return answer(records.val.length, { tag: 'done' });
}

// What cASO should do after this error of the queue. The value is in `payload`.
function restOf({ payload }) {
  switch (payload?.tag) {
    case 'denied':
      return { tag: 'misconfigured', val: payload.val };
    case 'too-large':
      return { tag: 'too-large' };
    default:
      return { tag: 'other', val: `the queue did not take the message: ${payload?.tag}` };
  }
}

function answer(accepted, rest) {
  return { accepted, refused: [], rest, attributes: [] };
}
