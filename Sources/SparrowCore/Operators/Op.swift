/// Every operator Sparrow knows: a closed set, so that each switch over it is complete.
///
/// To add one, write its attributes and type inference in this folder, then follow the compiler
/// through the switches that are no longer exhaustive (see CONTRIBUTING.md).
public enum Op: Hashable, Sendable {
  case argExtreme(ArgExtreme)
  case batchNormalization(BatchNormalization)
  case binary(Binary)
  case cast(Cast)
  case clip(Clip)
  case concat(Concat)
  case constantOfShape(ConstantOfShape)
  case conv(Conv)
  case convTranspose(ConvTranspose)
  case expand(Expand)
  case flatten(Flatten)
  case gather(Gather)
  case gatherND(GatherND)
  case gemm(Gemm)
  case globalPool(GlobalPool)
  case identity(Identity)
  case layerNormalization(LayerNormalization)
  case matMul(MatMul)
  case pad(Pad)
  case pool(Pool)
  case range(RangeOf)
  case reduce(Reduce)
  case reshape(Reshape)
  case resize(Resize)
  case shapeOf(ShapeOf)
  case slice(Slice)
  case softmax(Softmax)
  case split(Split)
  case squeeze(Squeeze)
  case transpose(Transpose)
  case unary(Unary)
  case unsqueeze(Unsqueeze)
  case `where`(Where)
}

/// A computation over whatever operator an ``Op`` holds.
public protocol OperatorVisitor {
  associatedtype Result
  associatedtype Failure: Error
  mutating func visit<O: Operator>(_ op: inout O) throws(Failure) -> Result
}

extension Op {
  /// Shows the operator inside to `visitor`, which may change its attributes.
  public mutating func accept<V: OperatorVisitor>(
    _ visitor: inout V
  ) throws(V.Failure) -> V.Result {
    switch self {
    case .argExtreme(var op):
      let result = try visitor.visit(&op)
      self = .argExtreme(op)
      return result
    case .batchNormalization(var op):
      let result = try visitor.visit(&op)
      self = .batchNormalization(op)
      return result
    case .binary(var op):
      let result = try visitor.visit(&op)
      self = .binary(op)
      return result
    case .cast(var op):
      let result = try visitor.visit(&op)
      self = .cast(op)
      return result
    case .clip(var op):
      let result = try visitor.visit(&op)
      self = .clip(op)
      return result
    case .concat(var op):
      let result = try visitor.visit(&op)
      self = .concat(op)
      return result
    case .constantOfShape(var op):
      let result = try visitor.visit(&op)
      self = .constantOfShape(op)
      return result
    case .conv(var op):
      let result = try visitor.visit(&op)
      self = .conv(op)
      return result
    case .convTranspose(var op):
      let result = try visitor.visit(&op)
      self = .convTranspose(op)
      return result
    case .expand(var op):
      let result = try visitor.visit(&op)
      self = .expand(op)
      return result
    case .flatten(var op):
      let result = try visitor.visit(&op)
      self = .flatten(op)
      return result
    case .gather(var op):
      let result = try visitor.visit(&op)
      self = .gather(op)
      return result
    case .gatherND(var op):
      let result = try visitor.visit(&op)
      self = .gatherND(op)
      return result
    case .gemm(var op):
      let result = try visitor.visit(&op)
      self = .gemm(op)
      return result
    case .globalPool(var op):
      let result = try visitor.visit(&op)
      self = .globalPool(op)
      return result
    case .identity(var op):
      let result = try visitor.visit(&op)
      self = .identity(op)
      return result
    case .layerNormalization(var op):
      let result = try visitor.visit(&op)
      self = .layerNormalization(op)
      return result
    case .matMul(var op):
      let result = try visitor.visit(&op)
      self = .matMul(op)
      return result
    case .pad(var op):
      let result = try visitor.visit(&op)
      self = .pad(op)
      return result
    case .pool(var op):
      let result = try visitor.visit(&op)
      self = .pool(op)
      return result
    case .range(var op):
      let result = try visitor.visit(&op)
      self = .range(op)
      return result
    case .reduce(var op):
      let result = try visitor.visit(&op)
      self = .reduce(op)
      return result
    case .reshape(var op):
      let result = try visitor.visit(&op)
      self = .reshape(op)
      return result
    case .resize(var op):
      let result = try visitor.visit(&op)
      self = .resize(op)
      return result
    case .shapeOf(var op):
      let result = try visitor.visit(&op)
      self = .shapeOf(op)
      return result
    case .slice(var op):
      let result = try visitor.visit(&op)
      self = .slice(op)
      return result
    case .softmax(var op):
      let result = try visitor.visit(&op)
      self = .softmax(op)
      return result
    case .split(var op):
      let result = try visitor.visit(&op)
      self = .split(op)
      return result
    case .squeeze(var op):
      let result = try visitor.visit(&op)
      self = .squeeze(op)
      return result
    case .transpose(var op):
      let result = try visitor.visit(&op)
      self = .transpose(op)
      return result
    case .unary(var op):
      let result = try visitor.visit(&op)
      self = .unary(op)
      return result
    case .unsqueeze(var op):
      let result = try visitor.visit(&op)
      self = .unsqueeze(op)
      return result
    case .where(var op):
      let result = try visitor.visit(&op)
      self = .where(op)
      return result
    }
  }

  /// One instance of every operator name with default attributes.
  public static var catalogue: [Op] {
    var all: [Op] = [
      .argExtreme(ArgExtreme(isMax: true)), .argExtreme(ArgExtreme(isMax: false)),
      .batchNormalization(BatchNormalization()), .cast(Cast()), .clip(Clip()), .concat(Concat()),
      .constantOfShape(ConstantOfShape()), .conv(Conv()), .convTranspose(ConvTranspose()),
      .expand(Expand()), .flatten(Flatten()), .gather(Gather()), .gatherND(GatherND()),
      .gemm(Gemm()), .globalPool(GlobalPool(.average)), .globalPool(GlobalPool(.max)),
      .identity(Identity()), .identity(Identity(isDropout: true)),
      .layerNormalization(LayerNormalization()), .matMul(MatMul()), .pad(Pad()),
      .pool(Pool(.average)), .pool(Pool(.max)), .range(RangeOf()), .reshape(Reshape()),
      .resize(Resize()), .shapeOf(ShapeOf()), .slice(Slice()), .softmax(Softmax()),
      .softmax(Softmax(isLog: true)), .split(Split()), .squeeze(Squeeze()),
      .transpose(Transpose()), .unsqueeze(Unsqueeze()), .where(Where()),
    ]
    all += Unary.Function.allCases.map { .unary(Unary($0)) }
    all += Binary.Function.allCases.map { .binary(Binary($0)) }
    all += Reduce.Kind.allCases.map { .reduce(Reduce($0)) }
    return all
  }
}
