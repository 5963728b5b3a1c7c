"""Lines that wait to get out: bounded in bytes, in the order they came."""

from collections import deque

# Ranks: what is lower goes first when memory is short.
DEBUG, INFO, OTHERS, NODES = range(4)
# What a line costs beside its bytes.
_OVERHEAD = 96


class LineQueue:
    """When it is full the oldest of the lowest rank goes, and what is lower than everything in it does not get in. Not locked."""

    def __init__(self, bytes_max):
        self._bytes_max = bytes_max
        self._ranks = tuple(deque() for _ in range(4))
        self._next = 0
        self.bytes = 0
        self.count = 0

    def offer(self, line, rank):
        """Puts a line in; how many had to go for it, itself too if it could not get in."""
        cost = len(line) + _OVERHEAD
        dropped = 0
        while self.bytes + cost > self._bytes_max:
            lowest = next((i for i, waiting in enumerate(self._ranks) if waiting), None)
            if lowest is None or lowest > rank:
                return dropped + 1
            gone = self._ranks[lowest].popleft()
            self.bytes -= len(gone[1]) + _OVERHEAD
            self.count -= 1
            dropped += 1
        self._ranks[rank].append((self._next, line))
        self._next += 1
        self.bytes += cost
        self.count += 1
        return dropped

    def poll(self, most):
        """The oldest line, or None if there is none or it is longer than ``most``."""
        first = None
        for waiting in self._ranks:
            if waiting and (first is None or waiting[0][0] < first[0][0]):
                first = waiting
        if first is None or len(first[0][1]) > most:
            return None
        line = first.popleft()[1]
        self.bytes -= len(line) + _OVERHEAD
        self.count -= 1
        return line
