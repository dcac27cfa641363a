/** The desk's one copy of the service's state; the pure reducers of ../state change it. */
import type { Change, Conversation, Me, Message, Snapshot } from '../../api/types.ts';
import * as model from '../state/model.ts';

export class Store {
  state = $state.raw<model.DeskState>(model.EMPTY);

  constructor(readonly me: Me) {
    this.state = { ...model.EMPTY, queues: me.queues, presence: me.presence };
  }

  /** Note the revision before asking; hand it back with the answer. */
  get revision(): number {
    return this.state.revision;
  }

  conversation(id: string): Conversation | undefined {
    return this.state.conversations.get(id);
  }

  /** Was anything told live of this conversation after that revision? */
  changedSince(id: string, revision: number): boolean {
    return (this.state.touched.get(id) ?? -1) > revision;
  }

  snapshot(frame: Snapshot): void {
    this.state = model.applySnapshot(this.state, frame);
  }

  apply(items: readonly Change[], cursor?: string): void {
    this.state = model.applyChanges(this.state, items, cursor ?? this.state.cursor);
  }

  learn(conversations: readonly Conversation[], askedAt: number): void {
    this.state = model.learnConversations(this.state, conversations, askedAt);
  }

  /** Some requests answer with the conversation as it is now, some with nothing. */
  learnAnswer(answer: unknown, askedAt: number): void {
    const told = answer as Partial<Conversation> | null;
    if (typeof told?.id === 'string' && typeof told.epoch === 'number')
      this.learn([told as Conversation], askedAt);
  }

  expectThread(id: string): void {
    this.state = model.expectThread(this.state, id);
  }

  learnMessages(id: string, messages: readonly Message[], told: model.Told): void {
    this.state = model.learnMessages(this.state, id, messages, told);
  }

  learnMessage(message: Message, askedAt: number): void {
    this.state = model.learnMessage(this.state, message, askedAt);
  }

  dropReservation(id: string): void {
    this.state = model.dropReservation(this.state, id);
  }

  /** Show an own action before the service confirms it. */
  foresee(id: string, change: Partial<Conversation>): void {
    const held = this.state.conversations.get(id);
    if (held === undefined) return;
    const conversations = new Map(this.state.conversations).set(id, { ...held, ...change });
    this.state = { ...this.state, conversations };
  }
}
