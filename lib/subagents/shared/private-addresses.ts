import { InvalidArgumentError, Option } from 'commander';
import { isNetwork } from '../../http/reachable.js';

/** The option that names addresses off the Internet from which images may be fetched. */
export const privateAddressOption = (): Option =>
  new Option(
    '--private-address <address>',
    'private, loopback or link-local address or network that a source of an image may have, such as 10.0.0.0/8; may be repeated',
  )
    .env('MISTIFY_PRIVATE_ADDRESSES')
    .argParser((value: string, earlier: string[] = []) => {
      const networks = value.split(',');
      const wrong = networks.find((network) => !isNetwork(network));
      if (wrong !== undefined)
        throw new InvalidArgumentError(`${wrong} is neither an IP address nor a network such as 10.0.0.0/8.`);
      return [...earlier, ...networks];
    });
