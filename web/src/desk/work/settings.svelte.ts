/** How this person likes their desk; kept on this device. */
import { recall, remember } from '../../device/storage.ts';
import { DEFAULT_KEYS, readKeys, type Action, type Combination, type KeyMap } from '../keys/keys.ts';

class Settings {
  sound = $state(recall('sound') !== false);
  keysOn = $state(recall('keys-on') !== false);
  keys = $state.raw<KeyMap>(readKeys(recall('keys')));

  setSound(on: boolean): void {
    this.sound = on;
    remember('sound', on);
  }

  setKeysOn(on: boolean): void {
    this.keysOn = on;
    remember('keys-on', on);
  }

  setKey(action: Action, combination: Combination): void {
    this.keys = { ...this.keys, [action]: combination };
    remember('keys', this.keys);
  }

  resetKeys(): void {
    this.keys = DEFAULT_KEYS;
    remember('keys', null);
  }
}

export const settings = new Settings();
