/** A promise and the function that resolves it. */
export interface Gate {
  opened: Promise<void>;
  open: () => void;
}

export const gate = (): Gate => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
};
