"""An independent reader: prints each tensor's name, shape and values, in the header's order, then the metadata."""
import json
import struct
import sys

with open(sys.argv[1], 'rb') as file:
    (length,) = struct.unpack('<Q', file.read(8))
    header = json.loads(file.read(length).decode('utf-8'))
    data = file.read()
assert length % 8 == 0
metadata = header.pop('__metadata__', {})
for name, entry in header.items():
    begin, end = entry['data_offsets']
    values = [value for (value,) in struct.iter_unpack('<f', data[begin:end])]
    line = '%s %s %s %s\n' % (name, entry['dtype'], entry['shape'], values)
    sys.stdout.buffer.write(line.encode('utf-8'))
for key, value in metadata.items():
    sys.stdout.buffer.write(('%s=%s\n' % (key, value)).encode('utf-8'))
