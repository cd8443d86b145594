// Who imports formats of networks also has those of arrays, and their errors.
@_exported import SparrowFiles
