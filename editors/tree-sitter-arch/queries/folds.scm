[(body) (match) (arguments)] @fold
