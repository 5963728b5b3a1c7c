import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError, apiUrl, type ProblemPart, request, scenePath } from '../api/client';
import { useT } from '../i18n';
import { bytes } from '../lib/text';
import { Icon } from '../ui/icons';
import { ErrorPanel, Plain } from '../ui/parts';
import { navigate } from '../url/router';
import { sceneRoute } from './scenes';

interface Put {
  sceneId: string;
  version: string;
  validFrom: string | null;
  new: boolean;
  stored: boolean;
}

/** A longer text is not put into a field: browsers become slow. */
const SHOWN_CHARS = 1_000_000;

/** A definition is checked first; what is wrong stands at its line, and nothing is stored. */
export function UploadDefinition({ sceneId }: { sceneId: string }) {
  const t = useT();
  const client = useQueryClient();
  const [text, setText] = useState('');
  const [scene, setScene] = useState(sceneId);
  const put = useMutation({
    mutationFn: (check: boolean) =>
      request<Put>(apiUrl(`${scenePath(scene.trim())}/definition`, check ? { check: true } : {}), {
        method: 'PUT',
        body: text,
        contentType: text.trimStart().startsWith('<') ? 'application/xml' : 'application/json',
      }),
    onSuccess: (answer) => {
      if (!answer.stored) return;
      void client.invalidateQueries({ queryKey: ['scenes'] });
      void client.invalidateQueries({ queryKey: ['definition', answer.sceneId] });
      navigate(sceneRoute(answer.sceneId, { tab: 'graph', version: answer.version }));
    },
  });
  const problems = put.error instanceof ApiError ? put.error.parts.filter((part) => part.line !== undefined) : [];
  const lines = text.split('\n');
  return (
    <div className="upload">
      <p className="muted">{t('upload.help')}</p>
      <div className="upload-tools">
        {!sceneId && (
          <label>
            {t('column.scene')}{' '}
            <input value={scene} onChange={(event) => setScene(event.target.value)} placeholder="order-payment" />
          </label>
        )}
        <label className="button">
          <Icon name="upload" size={14} /> {t('upload.file')}
          <input
            type="file"
            accept=".json,.xml,application/json,text/xml"
            className="visually-hidden"
            onChange={async (event) => {
              const file = event.target.files?.[0];
              if (!file) return;
              setText(await file.text());
              if (!sceneId) setScene((now) => now || file.name.replace(/\.(json|xml)$/i, ''));
              put.reset();
            }}
          />
        </label>
      </div>
      {text.length > SHOWN_CHARS ? (
        <p className="note">
          {t('upload.long', { size: bytes(text.length) })}{' '}
          <button
            type="button"
            className="quiet"
            onClick={() => {
              setText('');
              put.reset();
            }}
          >
            {t('upload.discard')}
          </button>
        </p>
      ) : (
        <textarea
          className="source"
          rows={14}
          spellCheck={false}
          value={text}
          aria-label={t('upload.source')}
          placeholder='{"nodes": [{"nodeName": "A", "nodeType": "rpc"}]}'
          onChange={(event) => {
            setText(event.target.value);
            put.reset();
          }}
        />
      )}
      {problems.length > 0 && (
        <section className="problems" role="alert">
          <h3>{t('upload.problems', { n: problems.length })}</h3>
          <ol>
            {problems.map((problem) => (
              <Problem
                key={`${problem.line}:${problem.column}:${problem.message}`}
                problem={problem}
                source={lines[(problem.line ?? 0) - 1] ?? ''}
              />
            ))}
          </ol>
        </section>
      )}
      {put.isError && problems.length === 0 && <ErrorPanel error={put.error} title={t('upload.failed')} />}
      {put.isSuccess && (
        <p className="note good" role="status">
          <Icon name="check" size={14} /> {put.data.new ? t('upload.good') : t('upload.known')}{' '}
          <code>{put.data.version}</code>
        </p>
      )}
      <div className="upload-tools">
        <button
          type="button"
          disabled={!text.trim() || !scene.trim() || put.isPending}
          onClick={() => put.mutate(true)}
        >
          {t('upload.check')}
        </button>
        <button
          type="button"
          className="primary"
          disabled={!text.trim() || !scene.trim() || put.isPending}
          onClick={() => put.mutate(false)}
        >
          {t('upload.put')}
        </button>
      </div>
    </div>
  );
}

function Problem({ problem, source }: { problem: ProblemPart; source: string }) {
  const t = useT();
  const column = Math.max(1, problem.column ?? 1);
  const from = Math.max(0, column - 40);
  return (
    <li>
      <strong>
        <Plain text={problem.message ?? problem.detail ?? ''} max={300} />
      </strong>
      <pre className="place">
        {`${problem.line}:${column}  ${source.slice(from, from + 110)}\n`}
        {`${' '.repeat(`${problem.line}:${column}  `.length + column - 1 - from)}^${problem.help ? ` ${problem.help}` : ''}`}
      </pre>
      <span className="muted">
        {problem.found && `${t('upload.found')}: ${problem.found.slice(0, 200)}. `}
        {problem.allowed && `${t('upload.allowed')}: ${problem.allowed.slice(0, 400)}`}
      </span>
    </li>
  );
}
