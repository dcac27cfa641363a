/** Two soft notes for an offer: made here, so that no file is loaded and no policy is in the way. */

let context: AudioContext | null = null;

export function chime(): void {
  // A browser keeps a page silent that nobody has touched yet.
  if (!navigator.userActivation?.hasBeenActive) return;
  try {
    context ??= new AudioContext();
    if (context.state === 'suspended') void context.resume();
    note(context, 659, 0);
    note(context, 880, 0.14);
  } catch {
    context = null;
  }
}

function note(audio: AudioContext, hertz: number, after: number): void {
  const begin = audio.currentTime + after;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.type = 'sine';
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(0.12, begin + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.5);
  tone.connect(volume).connect(audio.destination);
  tone.start(begin);
  tone.stop(begin + 0.55);
}
