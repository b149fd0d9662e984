//! The XMPP server-to-server protocol without I/O: strict XML, addresses, stream state machines.
