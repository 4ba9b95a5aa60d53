"""What the operator's people may see and do: the machine and its queue. Shown in private chats only."""
