// node build.mjs: the component, as @NAME@.wasm in this folder.
import { componentize } from '@bytecodealliance/componentize-js';
import { writeFile } from 'node:fs/promises';

const { component } = await componentize({
  sourcePath: 'component.js',
  witPath: 'wit',
  worldName: 'messenger',
  // What the component does not use, so that nobody has to grant it. `stdio` stays: what it
  // says when it fails reaches cASO's log.
  disableFeatures: ['random', 'clocks', 'http', 'fetch-event'],
});
await writeFile('@NAME@.wasm', component);
