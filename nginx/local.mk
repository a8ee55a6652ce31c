# nginx: the map from a path's noun to its responder.
