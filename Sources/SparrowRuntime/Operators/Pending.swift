import SparrowCore

// Replaced by the files of each operator.

extension ArgExtreme {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("ArgExtreme is not built yet")
  }
}

extension BatchNormalization {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("BatchNormalization is not built yet")
  }
}

extension Binary {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Binary is not built yet")
  }
}

extension Cast {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Cast is not built yet")
  }
}

extension Clip {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Clip is not built yet")
  }
}

extension Concat {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Concat is not built yet")
  }
}

extension ConstantOfShape {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("ConstantOfShape is not built yet")
  }
}

extension Expand {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Expand is not built yet")
  }
}

extension Gather {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Gather is not built yet")
  }
}

extension GatherND {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("GatherND is not built yet")
  }
}

extension GlobalPool {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("GlobalPool is not built yet")
  }
}

extension LayerNormalization {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("LayerNormalization is not built yet")
  }
}

extension Pad {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Pad is not built yet")
  }
}

extension Pool {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Pool is not built yet")
  }
}

extension RangeOf {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("RangeOf is not built yet")
  }
}

extension Reduce {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Reduce is not built yet")
  }
}

extension Resize {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Resize is not built yet")
  }
}

extension ShapeOf {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("ShapeOf is not built yet")
  }
}

extension Slice {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Slice is not built yet")
  }
}

extension Softmax {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Softmax is not built yet")
  }
}

extension Split {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Split is not built yet")
  }
}

extension Transpose {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Transpose is not built yet")
  }
}

extension Unary {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Unary is not built yet")
  }
}

extension Where {
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    throw p.unsupported("Where is not built yet")
  }
}
