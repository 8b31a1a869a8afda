"""The double: a faithful stand-in for the service that misbehaves on demand; it never judges anything."""
