/** Files chosen and not yet sent, by conversation: switching away and back keeps them. */

export class Attachments {
  #files = $state.raw<ReadonlyMap<string, readonly File[]>>(new Map());

  of(conversationId: string): readonly File[] {
    return this.#files.get(conversationId) ?? [];
  }

  add(conversationId: string, files: readonly File[]): void {
    this.#set(conversationId, [...this.of(conversationId), ...files]);
  }

  remove(conversationId: string, file: File): void {
    this.#set(
      conversationId,
      this.of(conversationId).filter((one) => one !== file),
    );
  }

  clear(conversationId: string): void {
    this.#set(conversationId, []);
  }

  get any(): boolean {
    return [...this.#files.values()].some((files) => files.length > 0);
  }

  #set(conversationId: string, files: readonly File[]): void {
    this.#files = new Map(this.#files).set(conversationId, files);
  }
}
