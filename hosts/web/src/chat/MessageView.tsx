import { memo } from 'react';
import { useTranslation } from 'react-i18next';
import { Answer } from './Answer';
import { Question } from './Question';
import { useView } from './view';

/** One message of the path that is shown. */
export const MessageView = memo(function MessageView({ id }: { id: string }) {
  const { t } = useTranslation('chat');
  const { thread } = useView();
  const message = thread.message(id);
  if (!message) return null;
  const mine = message.role === 'user';
  return (
    <article className="group/message py-2" data-testid="message" data-role={message.role} data-id={id}>
      <h2 className="sr-only">{t(mine ? 'message.you' : 'message.answer')}</h2>
      {mine ? <Question message={message} /> : <Answer message={message} thread={thread} />}
    </article>
  );
});
