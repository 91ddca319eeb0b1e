// node build.mjs: the component, as webhook.wasm in this folder.
import { componentize } from '@bytecodealliance/componentize-js';
import { writeFile } from 'node:fs/promises';

const { component } = await componentize({
  sourcePath: 'component.js',
  witPath: 'wit',
  worldName: 'messenger',
  // `http` is for `fetch`, and asked for in `describe`. `stdio` stays: what it says when it
  // fails reaches cASO's log.
  disableFeatures: ['random', 'fetch-event'],
});
await writeFile('webhook.wasm', component);
