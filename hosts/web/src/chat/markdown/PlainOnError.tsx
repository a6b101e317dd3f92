import { Component, type ReactNode } from 'react';

interface Props {
  text: string;
  children: ReactNode;
}

/** Shows text as it is where drawing it as Markdown fails, so that one hostile answer breaks no page. */
export class PlainOnError extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (this.state.failed) return <p className="whitespace-pre-wrap">{this.props.text}</p>;
    return this.props.children;
  }
}
