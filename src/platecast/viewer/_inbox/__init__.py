"""Takes in what senders say and send: accounts, memory, and what passes on to the window. No Qt."""
