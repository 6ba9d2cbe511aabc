/** What a scanner says of itself, asked now. */
import { Modal, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { useI18n } from '../../i18n';
import { Failure, Waiting } from '../../ui/Notices';
import type { Scanner } from './Scanners';

export function ScannerAbout({ scanner, onClose }: { scanner: Scanner; onClose: () => void }) {
  const { t } = useI18n();
  const found = useQuery({
    queryKey: ['scanner', scanner.uuid],
    retry: false,
    queryFn: () =>
      ok(
        api.GET('/scanners/{registration_id}/metadata', {
          params: { path: { registration_id: scanner.uuid } },
        }),
      ),
  });
  const said = found.data;
  const rows: [string, string][] = said
    ? [
        [t('common.name'), said.scanner.name],
        [t('scanners.vendor'), said.scanner.vendor],
        [t('scanners.version'), said.scanner.version],
        ...said.capabilities.flatMap((one): [string, string][] => [
          [t('scanners.can'), one.type || 'vulnerability'],
          [t('scanners.reads'), one.consumes_mime_types.join('\n')],
          [t('scanners.writes'), one.produces_mime_types.join('\n')],
        ]),
        ...Object.entries(said.properties),
      ]
    : [];
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('scanners.metadata')}
      size="lg"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {found.error && !said && <Failure error={found.error} retry={() => found.refetch()} />}
      {!found.error && !said && <Waiting />}
      {said && (
        <Stack>
          <Text size="sm" className="break">
            {scanner.name}
          </Text>
          <Table variant="vertical" layout="fixed" aria-label={t('scanners.metadata')}>
            <Table.Tbody>
              {rows.map(([label, value], row) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the order of what was said is all there is
                <Table.Tr key={row}>
                  <Table.Th className="break">{label}</Table.Th>
                  <Table.Td className="break" w="65%" style={{ whiteSpace: 'pre-line' }}>
                    {value}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Stack>
      )}
    </Modal>
  );
}
