import { useCallback, useRef, useState } from 'react';
import { type ExecutionFile, readExecutionFile } from '../file/export';
import { useT } from '../i18n';
import { Icon } from '../ui/icons';
import { Plain } from '../ui/parts';
import { type ExecutionState, initialExecution } from '../url/route';
import { ExecutionView } from './execution';

/** An execution from a file: nothing of it is sent anywhere. Its state is not in the address: the file is not either. */
export function FilePage() {
  const t = useT();
  const [file, setFile] = useState<ExecutionFile | null>(null);
  const [problem, setProblem] = useState('');
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const read = async (chosen: File | undefined) => {
    if (!chosen) return;
    try {
      setFile(readExecutionFile(await chosen.text()));
      setProblem('');
    } catch (error) {
      setProblem(`${chosen.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  if (file) return <Imported key={file.execution.executionId} file={file} onClose={() => setFile(null)} />;
  return (
    <div className="page">
      <h1>{t('import')}</h1>
      <p className="muted lead">{t('import.help')}</p>
      <button
        type="button"
        className={over ? 'drop over' : 'drop'}
        onClick={() => input.current?.click()}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void read(event.dataTransfer.files[0]);
        }}
      >
        <Icon name="upload" size={28} />
        <span>{t('import.drop')}</span>
      </button>
      <input
        ref={input}
        type="file"
        accept=".json,application/json"
        className="visually-hidden"
        aria-label={t('import.drop')}
        tabIndex={-1}
        onChange={(event) => void read(event.target.files?.[0])}
      />
      {problem && (
        <p className="note warn" role="alert">
          <Icon name="warn" size={14} /> {t('import.bad')} <Plain text={problem} />
        </p>
      )}
    </div>
  );
}

function Imported({ file, onClose }: { file: ExecutionFile; onClose: () => void }) {
  const t = useT();
  const [state, setState] = useState<ExecutionState>(() => initialExecution(file.execution));
  const change = useCallback((next: Partial<ExecutionState>) => setState((now) => ({ ...now, ...next })), []);
  return (
    <ExecutionView
      execution={file.execution}
      state={state}
      change={change}
      badge={
        <span className="chip">
          {t('import.from')}
          {file.logsLeftOut > 0 && ` · ${t('import.leftOut', { n: file.logsLeftOut })}`}
          <button type="button" className="quiet" onClick={onClose}>
            {t('close')}
          </button>
        </span>
      }
      imported={file.logs}
      importedDefinition={file.definition}
    />
  );
}
