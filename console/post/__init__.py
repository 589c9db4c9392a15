"""How a message leaves the house: the channels, and the trying again. Knows no room: whose letter it is, and to whom, is the room's own."""
