// `import Sparrow` is enough to use graphs, tensors, sessions, recipes and passes.
@_exported import SparrowArchitectures
@_exported import SparrowCompress
@_exported import SparrowCore
@_exported import SparrowFormats
@_exported import SparrowHost
@_exported import SparrowPasses
@_exported import SparrowReport
@_exported import SparrowRuntime
@_exported import SparrowTrain
